select 'wrong' where (select string_agg("row" || "select" || "There", ',') from "Fill") <> '1xit''s' or (select string_agg("a""b!", ',' order by "Key") from "Order's") <> 'y-,zw'
