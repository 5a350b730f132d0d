set lock_timeout = '3s';

do $$ begin execute format('drop table %I', 't'); end $$;
alter table orders frobnicate;
frobnicate the orders;
\include other.sql
