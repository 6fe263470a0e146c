"""The text that goes with an export, in Dutch and English: it is read without kingsync at hand."""

README = """\
Nederlands
==========
Dit bestand bevat alle gegevens van één bedrijf in kingsync, van één moment.

tenant.json    de instellingen, zoals `manage.py apply_tenant` ze leest; geheimen staan er als ***
tables/        per tabel één bestand, met op elke regel één rij als JSON (UTF-8)
  user         de gebruikers van dit bedrijf: naam, e-mailadres en rol
  workorder    de werkbonnen zoals OutSmart ze gaf (source), met hun stand en hun order in King
  orderline    de orderregels die daaruit ontstonden
  manualaction wat gebruikers besloten, wanneer en waarom
  recordlink   wat uit King naar OutSmart ging (sent)
  kingrecord   de stamgegevens van King die kingsync kent
  syncrun      de synchronisaties; logentry is hun logboek
king-xml/      de XML-bestanden van King die nog bewaard werden
journal/       het journaal van aangemaakte orders
manifest.json  de versie van dit formaat en het aantal rijen per bestand; staat er alleen als de export volledig is

Niet in dit bestand: wachtwoorden, tokens en toegangscodes, en gegevens van andere bedrijven.

English
=======
This file contains all data of one company in kingsync, as of one moment.

tenant.json    the settings, as `manage.py apply_tenant` reads them; secrets read ***
tables/        one file per table, with one row per line as JSON (UTF-8)
  user         the users of this company: name, e-mail address and role
  workorder    the work orders as OutSmart gave them (source), with their state and their order in King
  orderline    the order lines that were made from them
  manualaction what users decided, when and why
  recordlink   what went from King to OutSmart (sent)
  kingrecord   King's master data that kingsync knows
  syncrun      the runs; logentry is their log
king-xml/      King's XML files that were still kept
journal/       the journal of created orders
manifest.json  the version of this format and the number of rows by file; it is there only if the export is complete

Not in this file: passwords, tokens and access codes, and data of other companies.
"""
