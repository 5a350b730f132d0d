alter table orders add column note text;
alter table shops add column note text;
