insert into people values (1, 'p'), (2, 'q');
insert into bookings (id, place, a, b, c, starts, slot, state, mail, score, plain, code) values
  (1, 9, 1, 1, 1, 1, 1, 'open', 'a@b', 6, 1, 'p'), (2, 9, 2, 2, 2, 5, 2, 'shut', 'c@d', 7, 2, 'q');
