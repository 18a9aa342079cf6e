"""What the site wants: YAML turned into checked settings, rules and templates. The bottom layer."""
