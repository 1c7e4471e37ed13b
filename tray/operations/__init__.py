"""What the tray keeps and tells about the running of the whole: history; away from the tick."""
