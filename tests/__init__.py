"""The suite reads the program's words in English, whatever the language of the machine."""

import os

os.environ["LANGUAGE"] = "en"  # before the words are loaded
