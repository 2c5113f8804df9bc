"""How the schema came to be, step by step; `matcher.database.migrate` takes the steps."""
