set lock_timeout = '3s';

alter table orders alter column kind set not null;
alter table orders add constraint size_given not null size;
