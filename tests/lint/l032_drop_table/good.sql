set lock_timeout = '3s';

create temporary table scratch (n int);
drop table scratch;
-- specc: allow L032 empty since March, and backed up
drop table old_orders;
