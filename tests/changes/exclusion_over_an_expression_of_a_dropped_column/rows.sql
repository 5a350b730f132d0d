insert into bookings values (1, 1, 1), (2, 1, 5);
