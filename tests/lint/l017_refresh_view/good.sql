-- specc: no-transaction
refresh materialized view concurrently totals;
