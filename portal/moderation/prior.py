"""What the spam score knows before moderators have decided anything: texts of our own writing, in English and Italian.

Each counts as half a decision, so that a few dozen of those here soon weigh more. All are taken as by an author of whom
nothing is known; therefore traits of authors say nothing until decisions say it.
"""

from functools import lru_cache

from portal.moderation import spam
from portal.moderation.spam import Author, Curve

WEIGHT = 0.5
SPAM = (
    "Earn 900 dollars a week from home, no experience needed. Write to me on WhatsApp +1 202 555 0143",
    "Bitcoin investment with guaranteed profit, double your crypto in 24 hours, contact me on Telegram",
    "I recovered my lost crypto thanks to this hacker, contact him by email recovery.expert@fast-hack.example",
    "Need a loan? Fast approval, low interest, bad credit accepted. Apply now at https://quick-loans.example",
    "BEST ONLINE CASINO BONUS, FREE SPINS FOR NEW PLAYERS, REGISTER NOW https://spin-win.example",
    "Cheap replica watches and designer bags, factory price, free shipping worldwide https://luxury-copy.example/shop",
    "Call our toll free customer support number +1 888 555 0199 for any problem with your account, 24/7 help desk",
    "Printer not working? Dial the support helpline number 1-800-555-0123, our technicians fix it at once",
    "Buy real followers and likes, cheap and instant delivery, visit https://boost-followers.example",
    "We offer the best SEO services and backlinks to rank your website on the first page. Contact us today for a quote",
    "Great article! I write about this on my blog as well, check it out here https://my-best-blog.example/review",
    "Buy pills without prescription, discreet delivery, lowest price online https://meds-cheap.example",
    "Lose 10 kg in two weeks with this natural supplement, order now with 50% discount https://slim-fast.example",
    "Beautiful girls in your city want to meet you tonight, click here https://hot-date.example",
    "Watch the full match live stream free HD https://stream-live.example/watch?id=22",
    "Download the cracked full version with serial key free https://crack-soft.example/download",
    "Professional essay writing service, cheap and plagiarism free, order your assignment today",
    "My name is Mr Johnson, I have an inheritance of 4.5 million dollars to share with you, reply to my email",
    "Hire a professional hacker to spy on your partner's phone, contact on Telegram, fast and reliable",
    "Best IPTV subscription, all channels, cheap price, free trial, WhatsApp +44 7700 900321",
    "Wholesale supplier from China, best quality and factory price, we ship worldwide, inquire now on WeChat",
    "Forex signals with 95% accuracy, join our VIP group today https://t.me/forexvip",
    "Make money online fast, this system changed my life, link in my profile",
    "Limited offer!!! Click the link and get your free gift card now https://bit.ly/free-gift",
    "Guadagna 500 euro a settimana da casa senza esperienza, scrivimi su WhatsApp +39 333 000 0000",
    "Investimento in bitcoin con profitto garantito, raddoppia il tuo denaro in 24 ore, contattami su Telegram",
    "Ho ottenuto un prestito di 20.000 euro grazie a questa signora, scrivete a prestiti.veloci@credito.example",
    "Offro prestiti tra privati seri e onesti con tasso del 2%, contattatemi per email prestito@finanza.example",
    "Casinò online con bonus di benvenuto e giri gratis, registrati subito https://gira-vinci.example",
    "Orologi e borse replica di lusso, prezzi di fabbrica, spedizione gratis https://copie-lusso.example",
    "Chiama il numero verde dell’assistenza clienti per qualsiasi problema con la posta, tecnici disponibili 24 ore",
    "Compra follower e like reali, consegna immediata, prezzi bassi https://piu-follower.example",
    "Portiamo il tuo sito in prima pagina su Google, servizi SEO e backlink al miglior prezzo, contattaci oggi",
    "Perdi 10 chili in due settimane con questo integratore naturale, ordina ora con lo sconto https://magri.example",
    "Ragazze bellissime nella tua città vogliono conoscerti stasera, clicca qui https://incontri-caldi.example",
    "Guarda la partita in streaming gratis HD https://partite-live.example",
    "Vendo patente e documenti senza esame, consegna rapida e discreta, contatto WhatsApp",
    "Abbonamento IPTV con tutti i canali, prezzo basso, prova gratuita, scrivi su WhatsApp",
    "Cartomante sensitiva risolve problemi d’amore, ritorno dell’amato in 48 ore, chiama subito",
    "OFFERTA LIMITATA!!! CLICCA IL LINK E RICEVI SUBITO IL TUO BUONO REGALO https://bit.ly/buono-gratis",
    "Lavoro online facile, guadagni subito, link nel mio profilo",
    "Prezzi imbattibili, acquista ora sul nostro negozio, spedizione gratis solo oggi https://sconti-super.example",
)
FINE = (
    "It would help to see the opening hours of the shop on the page of each product.",
    "Could you make the same jacket in dark green? Mine has lasted six winters and I would buy it again.",
    "After the last update the program does not start any more. I tried to reinstall it, without luck.",
    "I cannot find the button to export my invoices. Is it only in the paid version?",
    "Thank you, that solved it. For others: the setting is under account, then notifications.",
    "How long does delivery to Ireland take? The page says three days, the mail says ten.",
    "I wrote to customer support on Monday and have had no answer yet. My order number is 48213.",
    "When I click the link in the confirmation mail I get an error that says the page has expired.",
    "Same here, with version 14 on Linux. The log says connection refused.",
    "My password is not accepted on the phone, while the same one works on the computer.",
    "Please let us sort the list by price and by date.",
    "I attach a picture of the broken zip. Can it be repaired, and what does it cost?",
    "The manual at https://docs.shop.example/manual describes an older model. Where is the one for 2024?",
    "I received a suspicious message that asks for my card number. Is it really from you?",
    "Would a discount for people who send back the empty bottles be possible?",
    "I get too much junk mail in the inbox since the filter was changed. How can I train it?",
    "The free trial ended and I was charged twice. Whom do I contact for a refund?",
    "An idea for schools: a smaller box with ten pieces, so that each class can try.",
    "I disagree, the old layout was easier to read for people with weak eyes.",
    "Have you tried to clear the cache first? It helped me on two computers.",
    "Is the fabric safe for babies, and can it be washed at sixty degrees?",
    "I followed the steps on https://wiki.community.example/setup and the account still does not sync.",
    "We are a small workshop and would like to know the minimum quantity for an order.",
    "Does anybody know whether the spare part of the older machine fits the new one?",
    "Sarebbe utile vedere gli orari del negozio nella pagina di ogni prodotto.",
    "Si può avere la stessa giacca in verde scuro? La mia dura da sei inverni e la ricomprerei.",
    "Dopo l’ultimo aggiornamento il programma non si apre più. Ho provato a reinstallarlo, senza successo.",
    "Non trovo il pulsante per esportare le fatture. C’è solo nella versione a pagamento?",
    "Grazie, risolto. Per chi avesse lo stesso problema: l’impostazione è sotto profilo, poi avvisi.",
    "Quanto tempo serve per la consegna in Sardegna? La pagina dice tre giorni, l’email dieci.",
    "Ho scritto all’assistenza lunedì e non ho ancora ricevuto risposta. Il numero d’ordine è 48213.",
    "Quando apro il collegamento nell’email di conferma compare un errore: pagina scaduta.",
    "Anche a me, con la versione 14 su Linux. Nel registro c’è scritto connessione rifiutata.",
    "La password non viene accettata sul telefono, mentre sul computer funziona.",
    "Per favore, lasciateci ordinare l’elenco per prezzo e per data.",
    "Allego una foto della cerniera rotta. Si può riparare, e quanto costa?",
    "Il manuale su https://guida.negozio.example/manuale descrive un modello vecchio. Dov’è quello nuovo?",
    "Ho ricevuto un messaggio sospetto che chiede il numero della carta. Viene davvero da voi?",
    "Proposta: uno sconto per chi riporta le bottiglie vuote.",
    "Da quando è cambiato il filtro mi arriva troppa posta indesiderata. Come si può addestrare?",
    "La prova gratuita è finita e mi avete addebitato due volte. A chi chiedo il rimborso?",
    "Un’idea per le scuole: una scatola più piccola con dieci pezzi, così ogni classe può provare.",
    "Non sono d’accordo, l’aspetto di prima si leggeva meglio per chi ci vede poco.",
    "Buongiorno, il tessuto è adatto ai neonati e si può lavare a sessanta gradi?",
)
NOBODY = Author(joined_days=0, verified=True, seen_posts=0)
Pair = tuple[float, float]


@lru_cache(maxsize=1)
def texts() -> tuple[tuple[frozenset[str], bool], ...]:
    """Return what each text is judged by, and whether it is spam."""
    known = [(text, True) for text in SPAM] + [(text, False) for text in FINE]
    return tuple((frozenset(spam.traits(text, NOBODY)) - spam.OF_AUTHOR, is_spam) for text, is_spam in known)


@lru_cache(maxsize=1)
def counts() -> dict[str, Pair]:
    """Return how often each trait stood in spam and in what was fine, each text counted as half a decision."""
    found: dict[str, Pair] = {}
    for traits, is_spam in texts():
        for one in traits:
            bad, good = found.get(one, (0.0, 0.0))
            found[one] = (bad + WEIGHT * is_spam, good + WEIGHT * (not is_spam))
    return found


TOTAL: Pair = (WEIGHT * len(SPAM), WEIGHT * len(FINE))


@lru_cache(maxsize=1)
def curve() -> Curve:
    """Return the curve that these texts alone give, each scored without itself."""
    return spam.fit(spam.scores_without_themselves(texts(), counts(), TOTAL, WEIGHT))
