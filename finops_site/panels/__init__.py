"""What dashboards show, one function for each panel. A panel only reads, through the apps' selectors."""
