import common from "../../../common/locales/en.json";
import page from "./en.json";

export const words = { page, common };
