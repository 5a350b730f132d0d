insert into days (b) values ('{high,low}');
