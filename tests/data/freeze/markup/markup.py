from lxml import etree, html
from lxml.isoschematron import Schematron

assert Schematron
print(etree.tostring(html.fragment_fromstring("<p>ok")).decode())
