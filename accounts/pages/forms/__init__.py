"""Forms of the pages, a module for each subject; the rules are in the services."""
