"""Starting at login: one file per system, each with the content as a pure function and a thin writer."""
