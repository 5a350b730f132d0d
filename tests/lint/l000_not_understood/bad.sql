set lock_timeout = '3s';

do $$ begin execute 'drop table t'; end $$;
alter table orders frobnicate;
frobnicate the orders;
\include other.sql
