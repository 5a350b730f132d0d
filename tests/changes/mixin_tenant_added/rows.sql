insert into tenants values (1);
