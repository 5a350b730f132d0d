set lock_timeout = '3s';

reindex table orders;
