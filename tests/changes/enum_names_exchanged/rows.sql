insert into days (b, c, d) values ('{high,low}', 'x', row(1,2));
