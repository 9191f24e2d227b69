-- Chinese keyboards write digits, letters and signs full-width: １２０ is 120. Both are searched as the narrow ones. Rows are
-- written anew only where they hold such a sign.
create or replace function registry.search_form(given text) returns text language sql immutable strict parallel safe as
$$ select pg_catalog.regexp_replace(pg_catalog.lower(pg_catalog.translate(given,
    '！＂＃＄％＆＇（）＊＋，－．／０１２３４５６７８９：；＜＝＞？＠ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ［＼］＾＿｀ａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ｛｜｝～　',
    '!"#$%&''()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\]^_`abcdefghijklmnopqrstuvwxyz{|}~ ')),
    '([\u3400-\u9fff\uf900-\ufaff])', ' \1 ', 'g') $$;
update registry.customer set name = name where name ~ '[\uff01-\uff5e\u3000]';
update registry.service_point set address_zh = address_zh where address_zh || address_en ~ '[\uff01-\uff5e\u3000]';
