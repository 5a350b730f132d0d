set lock_timeout = '3s';

alter table orders add constraint kind_given check (kind is not null and (size is not null)) not valid;
-- what a composite holds does not matter, as it does not to `not null`
alter table orders add constraint place_given check (place is distinct from null) not valid;
