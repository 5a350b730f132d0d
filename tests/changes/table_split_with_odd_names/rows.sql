insert into "Order's" values (1, 'x', 'y', null), (2, null, 'z', 'w');
