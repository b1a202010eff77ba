"""Case files made of other tools' files. One module a tool; `imported` has what they share."""
