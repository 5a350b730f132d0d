-- specc: no-transaction
vacuum (analyze) orders;
vacuum orders;
