"""Stories: sourced events played through real nodes, and judged from the record alone. Floor above the server."""
