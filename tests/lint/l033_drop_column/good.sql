set lock_timeout = '3s';

alter table orders add column helper int;
alter table orders drop column helper;
-- n__new was filled from n before
alter table orders drop column n;
-- specc: allow L030 a copy, which nobody knows
alter table orders rename column n__new to n;
