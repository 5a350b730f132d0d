set lock_timeout = '3s';

drop schema old;
drop type mood, size;
drop owned by retired;
