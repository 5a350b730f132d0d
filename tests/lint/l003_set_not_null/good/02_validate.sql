alter table orders validate constraint kind_given;
