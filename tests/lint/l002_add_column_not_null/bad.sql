set lock_timeout = '3s';

alter table orders add column kind text not null;
alter table orders add column "Size" int not null default null;
