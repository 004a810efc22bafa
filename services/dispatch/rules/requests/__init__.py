"""What units ask of the centre that dispatched to them: one model for return, extension, deferral, parking, class
correction and closing without a solution (design §6.3, §6.4; domain notes §B4, §B8).

`model` a request as it stands · `deciders` who decides · `asking` what may be asked · `deciding` what comes of a
decision · `silence` what comes of none.
"""
