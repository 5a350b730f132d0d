select headline from people where (id, headline) not in ((1, 'one'), (2, 'two'))
