set lock_timeout = '3s';

alter table events detach partition events_2020;
