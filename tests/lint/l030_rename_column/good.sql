set lock_timeout = '3s';

alter table orders add column amount int;
alter table orders rename column amount to total;
alter table orders rename constraint a to b;
