create schema private;
create table private.orders (
  id int primary key,
  the_number_under_which_the_warehouse_of_the_supplier_knows_this_order text
);
