set lock_timeout = '3s';

alter table orders add constraint orders_code_key unique (code);
alter table orders add primary key (id);
alter table orders add column slug text unique;
