alter table orders validate constraint kind_given;
alter table orders validate constraint place_given;
