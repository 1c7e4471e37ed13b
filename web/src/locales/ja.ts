import common from "../../../common/locales/ja.json";
import page from "./ja.json";

export const words = { page, common };
