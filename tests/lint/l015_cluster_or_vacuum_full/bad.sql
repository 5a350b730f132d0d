-- specc: no-transaction
set lock_timeout = '3s';

cluster orders using orders_pkey;
vacuum full orders;
vacuum (full, analyze) orders;
