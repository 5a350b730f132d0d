set lock_timeout = '3s';

alter table orders add column helper int;
alter table orders drop column helper;
