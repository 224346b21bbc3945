"""One function per verb. They open the transactions; the CLI, later the web and watch, all call them."""
