create function pg_temp.specc_asked(questions text[]) returns text[] language plpgsql as $specc$
declare
  said text[] := '{}';
  one text;
  found text;
  state text;
  name text;
  place text;
begin
  foreach one in array questions loop
    begin
      execute one into found;
      said := said || coalesce(found, '[]');
    exception
      when others then
        get stacked diagnostics state = returned_sqlstate, name = constraint_name, place = column_name;
        said := said || format('error %s %s', state, coalesce(nullif(name, ''), nullif(place, ''), '-'));
    end;
  end loop;
  return said;
end
$specc$
