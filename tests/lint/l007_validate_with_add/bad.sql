set lock_timeout = '3s';

alter table orders add constraint positive check (total > 0) not valid;
alter table orders validate constraint positive;
