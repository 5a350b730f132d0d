insert into items values (1, row('sad', 1), array[row('glad', 2)::part], '{glad,sad}');
