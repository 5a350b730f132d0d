set lock_timeout = '3s';

alter table orders add constraint kind_given check (kind is not null and (size is not null)) not valid;
