set lock_timeout = '3s';

refresh materialized view totals;
