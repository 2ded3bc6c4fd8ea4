PRAGMA integrity_check;
SELECT count(*) || ' rounds' FROM rounds;
SELECT * FROM journal ORDER BY at DESC LIMIT 5;
-- An error is how a file that is read ends the script that reads it.
.bail on
SELECT * FROM the_end;
