select name from people where (id, name) not in ((1, 'Ada Lovelace'), (2, 'Alan Turing'))
