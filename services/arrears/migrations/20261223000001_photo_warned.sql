-- The photo of a reminder at a visit and of a last warning at the door are evidence like that of the service of a notice.
alter table photo drop constraint photo_what;
alter table photo add constraint photo_what check (what in ('reminded', 'served', 'warned', 'before_cut', 'after_cut'));
-- Only those of cuts may arrive after they are named.
drop index photo_of_cuts;
create index photo_of_cuts on photo (at desc) where what in ('before_cut', 'after_cut');
