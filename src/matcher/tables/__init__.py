"""Tables of text, as spreadsheets keep them: CSV and Excel files, read and written."""
